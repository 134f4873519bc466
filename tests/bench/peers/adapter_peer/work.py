"""The sizes and the constants of the work. Nothing here computes."""

SIZE = "smollm2-135m"
FOLDER = "smollm2-135m"
GGUF = "SmolLM2-135M-Instruct.{}.gguf"

RANK, ALPHA = 16, 32
LEARNING_RATE, MAX_GRAD_NORM = 1e-4, 1.0

SFT_ROWS, SFT_TOKENS = 4, 256
DPO_PAIRS, DPO_TOKENS, DPO_BETA = 4, 128, 0.1
REWARD_ROWS, REWARD_TOKENS = 16, 128

PROMPTS, PROMPT_TOKENS, NEW_TOKENS, TEMPERATURE = 16, 64, 64, 0.7
EPOCHS, MINIBATCH = 2, 8
KL_COEFFICIENT, GAMMA, LAMBDA = 0.05, 1.0, 0.95
CLIP, VALUE_CLIP, VALUE_COEFFICIENT = 0.2, 0.2, 0.1

ANSWERS, ANSWER_TOKENS, STREAM_TOKENS = 4, 64, 128
LONG_PROMPT_TOKENS = 1600

# What is asked where the peer samples; 30 to 40 tokens with the template.
QUESTION = (
    "A customer writes:\n\nThe kettle I ordered last week arrived today with a crack along the handle. What can you "
    "do? Maria\n\nWrite our reply to this customer."
)

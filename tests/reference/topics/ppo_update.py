"""One rollout and two updates of PPO on tiny Llama models, by the lines of TRL's trainer.

Tokens and scores of the rollout are given. Log-probabilities are those of the training forward, as Nudge takes them,
where TRL would keep those of the sampler. The policy and the value model have an AdamW of their own, each behind
torch's clipping by the global norm; TRL has one for both, without clipping.
"""

import copy
import types

import torch
from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification
from trl.experimental.ppo import PPOTrainer
from trl.experimental.ppo.ppo_trainer import PolicyAndValueWrapper, forward, masked_mean
from trl.trainer.utils import selective_log_softmax

from .common import numbers, run_lines, summary
from .decoder import random_weights, shape_and_weights
from .ppo_examples import trainer

PAD, EOS = 0, 1
TEMPERATURE, MISSING_EOS_PENALTY = 0.7, 1.0
PROMPTS = [[0, 0, 5, 9], [4, 18, 2, 11], [0, 13, 17, 6], [0, 0, 0, 7]]
# The third answer was cut off before its end token; the last is nothing but the end token.
ANSWERS = [[8, 3, 14, 1, 0, 0], [10, 1, 0, 0, 0, 0], [2, 16, 5, 9, 12, 3], [1, 0, 0, 0, 0, 0]]
SCORES = [1.25, -0.5, 0.75, 2.0]
OPTIMIZER = {"beta1": 0.9, "beta2": 0.95, "eps": 1e-5, "weight_decay": 0.1, "max_grad_norm": 0.25}
LEARNING_RATE = 0.01


def models():
    torch.manual_seed(61)
    config = LlamaConfig(
        vocab_size=19,
        hidden_size=8,
        intermediate_size=12,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=4,
        max_position_embeddings=16,
        rms_norm_eps=1e-5,
        tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": 500.0},
        pad_token_id=PAD,
        num_labels=1,
    )
    reference = random_weights(LlamaForCausalLM(config))
    policy = copy.deepcopy(reference)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.05)
    return policy, reference, random_weights(LlamaForSequenceClassification(config))


def answer_logprobs(model, rows, answers):
    """As TRL scores the reference model, `[batch, time]`."""
    logits = forward(model, rows, PAD).logits[:, len(PROMPTS[0]) - 1 : -1]
    return selective_log_softmax(logits / (TEMPERATURE + 1e-7), answers)


@torch.no_grad()
def experience(policy, reference, value_model, rows):
    answers = torch.tensor(ANSWERS)
    names = trainer("k1", MISSING_EOS_PENALTY)
    names["args"].temperature = TEMPERATURE
    names["self"].processing_class = types.SimpleNamespace(eos_token_id=EOS)
    names |= {
        "processing_class": types.SimpleNamespace(pad_token_id=PAD),
        "accelerator": types.SimpleNamespace(unwrap_model=lambda model: model),
        "model": PolicyAndValueWrapper(policy, value_model),
        "context_length": len(PROMPTS[0]),
        "responses": answers,
        "postprocessed_response": answers,
        "postprocessed_responses": answers,
        "query_response": rows,
        "scores": torch.tensor(SCORES),
        "logprobs": answer_logprobs(policy, rows, answers),
        "ref_logprobs": answer_logprobs(reference, rows, answers),
    }
    names = run_lines(PPOTrainer.train, "sequence_length = first_true_indices(", "_, score, _ = get_reward(", names)
    names |= {"values": names["value"], "sequence_lengths": names["sequence_length"]}
    return run_lines(PPOTrainer.train, "contain_eos_token = torch.any(", "empty_cache()", names)


def optimizer_of(model):
    """Weight decay on matrices of more than one row."""
    vectors = [p for name, p in model.named_parameters() if p.dim() == 1 or p.shape[0] == 1]
    matrices = [p for name, p in model.named_parameters() if p.dim() == 2 and p.shape[0] > 1]
    return torch.optim.AdamW(
        [{"params": matrices, "weight_decay": OPTIMIZER["weight_decay"]}, {"params": vectors, "weight_decay": 0.0}],
        lr=LEARNING_RATE,
        betas=(OPTIMIZER["beta1"], OPTIMIZER["beta2"]),
        eps=OPTIMIZER["eps"],
    )


def update(names, rows, optimizers):
    """One minibatch of all rows: the losses by TRL's lines, one step of each optimizer."""
    everything = torch.arange(len(rows))
    names = names | {
        "mb_query_responses": rows,
        "mb_responses": names["responses"],
        "mb_logprobs": names["logprobs"],
        "mb_advantage": names["advantages"],
        "mb_return": names["returns"],
        "mb_values": names["values"],
        "micro_batch_inds": everything,
    }
    names = run_lines(PPOTrainer.train, "output, vpred_temp = forward(", "accelerator.backward(loss)", names)
    names = run_lines(PPOTrainer.train, "pg_clipfrac = masked_mean(", "prob_dist =", names)
    names["loss"].backward()
    mask = ~names["padding_mask"]
    step = {
        "policy_loss": names["pg_loss"].item(),
        "value_loss": names["vf_loss"].item(),
        "clipfrac": names["pg_clipfrac"].item(),
        "value_clipfrac": names["vf_clipfrac"].item(),
        # TRL averages these two over padding as well.
        "ratio": masked_mean(names["ratio"], mask).item(),
        "approx_kl": (0.5 * masked_mean(names["logprobs_diff"].square(), mask)).item(),
    }
    for name, optimizer in optimizers.items():
        model = names["model"].policy if name == "policy" else names["model"].value_model
        gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), OPTIMIZER["max_grad_norm"])
        optimizer.step()
        optimizer.zero_grad()
        step[name] = {
            "grad_norm": norm.item(),
            "gradients": summary(gradients),
            "weights": {name: numbers(parameter) for name, parameter in model.named_parameters()},
        }
    return step


def make():
    policy, reference, value_model = models()
    start = {
        "config": shape_and_weights(policy)["config"],
        "policy": shape_and_weights(policy)["weights"],
        "reference": shape_and_weights(reference)["weights"],
        "value_model": shape_and_weights(value_model)["weights"],
    }
    rows = torch.cat([torch.tensor(PROMPTS), torch.tensor(ANSWERS)], 1)
    names = experience(policy, reference, value_model, rows)
    mask, reward_mask = ~names["padding_mask"], ~names["padding_mask_p1"]
    rollout = {name: names[name] for name in ["logprobs", "ref_logprobs", "kl", "advantages"]}
    after_eos = {name: names[name] for name in ["values", "rewards", "returns"]}
    optimizers = {"policy": optimizer_of(policy), "value_model": optimizer_of(value_model)}
    names["logprobs"] = names["logprobs"].detach()
    return {
        "start": start,
        "options": {**vars(names["args"]), "learning_rate": LEARNING_RATE, "optimizer": OPTIMIZER},
        "rollout": {
            "prompts": PROMPTS,
            "answers": ANSWERS,
            "raw_scores": SCORES,
            "mask": mask.tolist(),
            "reward_mask": reward_mask.tolist(),
            "scores": numbers(names["scores"]),
            # What TRL writes under the mask says nothing.
            **{name: numbers(tensor.masked_fill(~mask, 0)) for name, tensor in rollout.items()},
            **{name: numbers(tensor.masked_fill(~reward_mask, 0)) for name, tensor in after_eos.items()},
        },
        "updates": [update(names, rows, optimizers) for _ in range(2)],
    }

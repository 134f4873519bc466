"""PPO on two answers of four tokens, small enough to follow by hand, in the four published variants.

They differ in where the score lands (TRL: on the token after the last; or on the last), in the divisor of the variance
(TRL: n - 1; Huang et al. 2024, "The N+ Implementation Details of RLHF with PPO": n) and in the KL estimator. All run
the lines of TRL's trainer, from log-probabilities, values and scores to the loss.

The last value stands on the edge of its clip range, 0.1 = 0.3 - 0.2. The loss does not see on which side, the gradient
would: that of the value loss is left to ppo_update.
"""

import types

import torch
from trl.experimental.ppo import PPOTrainer
from trl.experimental.ppo.ppo_trainer import masked_mean, masked_var

from .common import close, f64, numbers, run_lines, trained

INPUTS = {
    "logprobs": [[-1.0, -0.5, -2.0, -0.1], [-0.3, -1.2, -0.7, -0.9]],
    "ref_logprobs": [[-1.2, -0.4, -1.5, -0.1], [-0.5, -1.0, -0.9, -0.9]],
    "new_logprobs": [[-0.8, -0.7, -1.7, -0.1], [-0.6, -1.1, -0.4, -0.9]],
    "values": [[0.1, 0.2, 0.3, 0.4], [0.0, -0.1, 0.2, 0.3]],
    "new_values": [[0.5, 0.1, 0.2, 0.9], [0.1, 0.3, 0.25, 0.1]],
    "scores": [1.5, -0.8],
    # Place of the last token of each answer.
    "last": [1, 3],
}
OPTIONS = {"kl_coef": 0.05, "gamma": 1.0, "lam": 0.95, "cliprange": 0.2, "cliprange_value": 0.2, "vf_coef": 0.1}
# Policy loss, value loss, their sum, share of clipped tokens, mean KL of an answer: worked out without torch.
BY_HAND = {
    "after_eos, unbiased, k1": [0.029756, 0.576334, 0.087389, 1 / 3, 0.15],
    "after_eos, biased, k1": [0.032596, 0.576334, 0.090229, 1 / 3, 0.15],
    "on_eos, biased, k1": [0.032514, 0.555769, 0.088091, 1 / 3, 0.15],
    "on_eos, biased, k3": [0.032123, 0.553337, 0.087456, 1 / 3, 0.041383],
}


def biased_whiten(values, mask):
    mean, variance = masked_mean(values, mask), masked_var(values, mask, unbiased=False)
    return (values - mean) * torch.rsqrt(variance + 1e-8)


def trainer(estimator, missing_eos_penalty=None):
    """As much of a PPOTrainer as its lines ask for: the arguments."""
    args = types.SimpleNamespace(
        **OPTIONS, kl_estimator=estimator, whiten_rewards=False, missing_eos_penalty=missing_eos_penalty
    )
    return {"args": args, "self": types.SimpleNamespace(args=args)}


def variant(score_index, variance, estimator):
    inputs = {name: f64(values) for name, values in INPUTS.items() if name != "last"}
    names = {
        **trainer(estimator),
        **{name: inputs[name].clone() for name in ["logprobs", "ref_logprobs", "values", "scores"]},
        "sequence_lengths": torch.tensor(INPUTS["last"]),
        "responses": inputs["logprobs"],
    }
    if variance == "biased":
        names["masked_whiten"] = biased_whiten
    # The reward's place and the end of the values follow one number.
    change = ("sequence_lengths + 1", "sequence_lengths") if score_index == "on_eos" else ("", "")
    names = run_lines(PPOTrainer.train, "# be very careful with `padding_mask_p1`", "empty_cache()", names, change)
    raw_advantages = names["returns"] - names["values"]
    (new_logprobs,) = trained(inputs["new_logprobs"])
    rows = torch.arange(2)
    names |= {
        "new_logprobs": new_logprobs,
        # TRL cuts the values of the answer out of those of the whole row.
        "context_length": 1,
        "vpred_temp": torch.cat([inputs["new_values"], torch.zeros(2, 1)], 1)[..., None],
        "micro_batch_inds": rows,
        "mb_logprobs": names["logprobs"],
        "mb_advantage": names["advantages"],
        "mb_return": names["returns"],
        "mb_values": names["values"],
    }
    names = run_lines(PPOTrainer.train, "new_logprobs = torch.masked_fill(", "accelerator.backward(loss)", names)
    names = run_lines(PPOTrainer.train, "pg_clipfrac = masked_mean(", "prob_dist =", names)
    names["loss"].backward()
    name = f"{score_index}, {variance}, {estimator}"
    losses = [names["pg_loss"], names["vf_loss"], names["loss"], names["pg_clipfrac"], names["kl"].sum(1).mean()]
    close(losses, BY_HAND[name], 6e-7)
    return {
        "score_index": score_index,
        "whiten_variance": variance,
        "kl_estimator": estimator,
        "mask": (~names["padding_mask"]).tolist(),
        "reward_mask": (~names["padding_mask_p1"]).tolist(),
        "kl": numbers(names["kl"]),
        "rewards": numbers(names["rewards"]),
        "raw_advantages": numbers(raw_advantages),
        "returns": numbers(names["returns"].masked_fill(names["padding_mask_p1"], 0)),
        "advantages": numbers(names["advantages"]),
        "policy_loss": names["pg_loss"].item(),
        "value_loss": names["vf_loss"].item(),
        "loss": names["loss"].item(),
        "clipfrac": names["pg_clipfrac"].item(),
        "policy_gradient": numbers(new_logprobs.grad),
    }


def make():
    variants = [
        variant("after_eos", "unbiased", "k1"),
        variant("after_eos", "biased", "k1"),
        variant("on_eos", "biased", "k1"),
        variant("on_eos", "biased", "k3"),
    ]
    inputs = {name: numbers(f64(values)) for name, values in INPUTS.items() if name != "last"}
    return {"inputs": {**inputs, "last": INPUTS["last"]}, "options": OPTIONS, "variants": variants}

//! Reference numbers of PPO, worked out in plain Python from the published formulas.
//!
//! Two completions of four token slots go through the whole of PPO: KL, rewards, advantages, whitening,
//! both losses. Four variants, because published programs differ.

use nudge_rlhf::*;

use crate::common::*;

const TIME: usize = 4;
// The first completion ends at index 1, the second fills its row. What stands after the first completion's
// end is arbitrary and must not matter.
const MASK: [bool; 8] = [true, true, false, false, true, true, true, true];
const LOGPROBS: [f32; 8] = [-1.0, -0.5, -2.0, -0.1, -0.3, -1.2, -0.7, -0.9];
const REF_LOGPROBS: [f32; 8] = [-1.2, -0.4, -1.5, -0.1, -0.5, -1.0, -0.9, -0.9];
const NEW_LOGPROBS: [f32; 8] = [-0.8, -0.7, -1.7, -0.1, -0.6, -1.1, -0.4, -0.9];
const VALUES: [f32; 8] = [0.1, 0.2, 0.3, 0.4, 0.0, -0.1, 0.2, 0.3];
const NEW_VALUES: [f32; 8] = [0.5, 0.1, 0.2, 0.9, 0.1, 0.3, 0.25, 0.1];
const SCORES: [f32; 2] = [1.5, -0.8];

/// Everything that one variant determines.
struct Golden {
    rewards: [f32; 8],
    advantages: [f32; 8],
    returns: [f32; 8],
    whitened: [f32; 8],
    pg_loss: f32,
    vf_loss: f32,
    total: f32,
    kl: f32,
}

/// What published programs choose differently. All have `gamma` 1, `lambda` 0.95 and clip at 0.2.
struct Choices {
    score_index: ScoreIndex,
    whiten_variance: Variance,
    kl_estimator: KlEstimator,
}

const KL_COEF: f32 = 0.05;
const GAMMA: f32 = 1.0;
const LAMBDA: f32 = 0.95;
const CLIPRANGE: f32 = 0.2;
const VF_COEF: f32 = 0.1;

fn check(choices: Choices, golden: Golden) {
    let kl = per_token_kl(choices.kl_estimator, &LOGPROBS, &REF_LOGPROBS, &MASK);
    assert_close("objective/kl", kl.iter().sum::<f32>() / 2.0, golden.kl, 1e-6);

    let reward_mask = choices.score_index.reward_mask(&MASK, TIME);
    let rewards = shaped_rewards(&kl, &SCORES, &MASK, TIME, KL_COEF, choices.score_index);
    assert_all_close("rewards", &rewards, &golden.rewards, 1e-6);

    let Advantages { advantages, returns } = gae(&rewards, &VALUES, &reward_mask, TIME, GAMMA, LAMBDA);
    assert_all_close("advantages", &advantages, &golden.advantages, 1e-6);
    assert_all_close("returns", &returns, &golden.returns, 1e-6);

    let whitened = whiten(&advantages, &MASK, choices.whiten_variance, true);
    assert_all_close("whitened advantages", &whitened, &golden.whitened, 1e-6);

    let device = device();
    let policy = policy_loss(
        tensor2(&NEW_LOGPROBS, TIME, &device),
        tensor2(&LOGPROBS, TIME, &device),
        tensor2(&whitened, TIME, &device),
        mask2(&MASK, TIME, &device),
        CLIPRANGE,
        LossAggregation::TokenMean,
    );
    let value = value_loss(
        tensor2(&NEW_VALUES, TIME, &device),
        tensor2(&VALUES, TIME, &device),
        tensor2(&returns, TIME, &device),
        mask2(&reward_mask, TIME, &device),
        CLIPRANGE,
    );
    let (pg_loss, vf_loss) = (number(policy.loss), number(value.loss));
    assert_close("loss/policy", pg_loss, golden.pg_loss, 2e-6);
    assert_close("loss/value", vf_loss, golden.vf_loss, 2e-6);
    assert_close("total", pg_loss + VF_COEF * vf_loss, golden.total, 2e-6);
    assert_close("policy/clipfrac", number(policy.clipfrac), 1.0 / 3.0, 1e-6);

    // d = .2, -.2, -.3, .1, .3, 0 over the six tokens.
    assert_close("policy/approxkl", number(policy.approx_kl), 0.5 * 0.27 / 6.0, 1e-6);
    let ratio = (0.2f32.exp() + (-0.2f32).exp() + (-0.3f32).exp() + 0.1f32.exp() + 0.3f32.exp() + 1.0) / 6.0;
    assert_close("val/ratio", number(policy.ratio), ratio, 1e-6);
}

const AFTER_EOS: ([f32; 8], [f32; 8], [f32; 8]) = (
    [-0.01, 0.005, 1.5, 0.0, -0.01, 0.01, -0.01, -0.8],
    [1.27275, 1.245, 1.2, 0.0, -0.677_387, -0.597_25, -0.955, -1.1],
    [1.37275, 1.445, 1.5, 0.0, -0.677_387, -0.697_25, -0.755, -0.8],
);

#[test]
fn trl_scores_after_eos_and_whitens_with_n_minus_one() {
    let (rewards, advantages, returns) = AFTER_EOS;
    check(
        Choices {
            score_index: ScoreIndex::AfterEos,
            whiten_variance: Variance::Unbiased,
            kl_estimator: KlEstimator::K1,
        },
        Golden {
            rewards,
            advantages,
            returns,
            whitened: [1.285_634, 1.260_297, 0.0, 0.0, -0.494_94, -0.421_77, -0.748_414, -0.880_806],
            pg_loss: 0.029_756,
            vf_loss: 0.576_334,
            total: 0.087_389,
            kl: 0.15,
        },
    );
}

#[test]
fn nplus_scores_after_eos_and_whitens_with_n() {
    let (rewards, advantages, returns) = AFTER_EOS;
    check(
        Choices { score_index: ScoreIndex::AfterEos, whiten_variance: Variance::Biased, kl_estimator: KlEstimator::K1 },
        Golden {
            rewards,
            advantages,
            returns,
            whitened: [1.408_341, 1.380_586, 0.0, 0.0, -0.542_179, -0.462_026, -0.819_846, -0.964_875],
            pg_loss: 0.032_596,
            vf_loss: 0.576_334,
            total: 0.090_229,
            kl: 0.15,
        },
    );
}

#[test]
fn tab_scores_on_eos_and_whitens_with_n() {
    check(
        Choices { score_index: ScoreIndex::OnEos, whiten_variance: Variance::Biased, kl_estimator: KlEstimator::K1 },
        Golden {
            rewards: [-0.01, 1.505, 0.0, 0.0, -0.01, 0.01, -0.01, -0.8],
            advantages: [1.32975, 1.305, 0.0, 0.0, -0.677_387, -0.597_25, -0.955, -1.1],
            returns: [1.42975, 1.505, 0.0, 0.0, -0.677_387, -0.697_25, -0.755, -0.8],
            whitened: [1.407_561, 1.383_462, 0.0, 0.0, -0.546_809, -0.468_779, -0.817_123, -0.958_311],
            pg_loss: 0.032_514,
            vf_loss: 0.555_769,
            total: 0.088_091,
            kl: 0.15,
        },
    );
}

#[test]
fn k3_instead_of_k1() {
    check(
        Choices { score_index: ScoreIndex::OnEos, whiten_variance: Variance::Biased, kl_estimator: KlEstimator::K3 },
        Golden {
            rewards: [-0.000_937, 1.499_741, 0.0, 0.0, -0.000_937, -0.001_07, -0.000_937, -0.8],
            advantages: [1.333_818, 1.299_741, 0.0, 0.0, -0.670_661, -0.599_71, -0.945_937, -1.1],
            returns: [1.433_818, 1.499_741, 0.0, 0.0, -0.670_661, -0.699_71, -0.745_937, -0.8],
            whitened: [1.412_168, 1.378_926, 0.0, 0.0, -0.543_236, -0.474_022, -0.811_772, -0.962_064],
            pg_loss: 0.032_123,
            vf_loss: 0.553_337,
            total: 0.087_456,
            kl: 0.041_383,
        },
    );
}

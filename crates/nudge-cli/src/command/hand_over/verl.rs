//! verl 0.9: PPO and methods with groups, on Ray with FSDP and vLLM; options are overrides of its configuration.

use super::rows::Row;
use super::script::Words;
use super::{Rollout, Run, Trainer};
use serde_json::{Value, json};

pub const TRAINER: Trainer = Trainer {
    name: "verl",
    methods: &["ppo", "grpo", "rloo"],
    requirements: "verl[vllm]==0.9.1\n",
    row,
    command,
    resubmits: &[],
    notes: &[
        "On several machines: `ray start --head` on the first, `ray start --address HEAD:6379` on the others, then `NODES=2 GPUS=8 sh launch.sh` on the first.",
        "The reward model is served by vLLM: its architecture must be one that vLLM serves as a classifier.",
        "Where Nudge chooses learning rate or temperature by the model, verl's own default holds.",
    ],
};

fn row(row: &Row, number: usize) -> Value {
    let (Row::Prompt(prompt) | Row::Pair { prompt, .. } | Row::Labelled { prompt, .. }) = row;
    json!({
        "prompt": prompt,
        "data_source": "nudge",
        "reward_model": { "style": "model", "ground_truth": "" },
        "extra_info": { "index": number },
    })
}

fn command(run: &mut Run) -> Vec<Words> {
    let estimator = match run.method.as_str() {
        "ppo" => "gae",
        method => method,
    };
    let mut command = vec![
        Words::with("python3 -m verl.trainer.main_ppo algorithm.adv_estimator={}", [&estimator]),
        Words::script(
            "data.train_files=data/train.jsonl data.val_files=data/train.jsonl trainer.val_before_train=False",
        ),
        Words::script(
            "actor_rollout_ref.model.path=\"$POLICY\" critic.model.path=\"$REWARD\" actor_rollout_ref.rollout.name=vllm",
        ),
        Words::script(
            "reward.reward_model.enable=True reward.reward_model.model_path=\"$REWARD\" reward.reward_model.rollout.name=vllm",
        ),
        Words::script(
            "trainer.n_gpus_per_node=\"$GPUS\" trainer.nnodes=\"$NODES\" trainer.default_local_dir=out trainer.logger=console",
        ),
    ];
    let options = &mut run.options;
    for (name, words) in [
        ("learning_rate", "actor_rollout_ref.actor.optim.lr={}"),
        ("value_learning_rate", "critic.optim.lr={}"),
        ("temperature", "actor_rollout_ref.rollout.temperature={}"),
        ("max_new_tokens", "data.max_response_length={}"),
        ("num_iterations", "actor_rollout_ref.actor.ppo_epochs={}"),
        ("gamma", "algorithm.gamma={}"),
        ("lambda", "algorithm.lam={}"),
        ("cliprange", "actor_rollout_ref.actor.clip_ratio={}"),
        ("cliprange_value", "critic.cliprange_value={}"),
        ("entropy_coef", "actor_rollout_ref.actor.entropy_coeff={}"),
        ("max_grad_norm", "actor_rollout_ref.actor.optim.clip_grad={}"),
        ("seed", "data.seed={}"),
    ] {
        options.take(name, words);
    }
    kl(run);
    let rollout = run.rollout();
    let options = &mut run.options;
    if let Some(Rollout { k, batch, minibatches, episodes }) = rollout {
        let prompts = (batch / k).max(1.0);
        let words = "actor_rollout_ref.rollout.n={} data.train_batch_size={}";
        options.say(Words::with(words, [&k, &(prompts as usize)]));
        let minibatch = (prompts / minibatches).max(1.0) as usize;
        options.say(Words::with("actor_rollout_ref.actor.ppo_mini_batch_size={}", [&minibatch]));
        options.say(Words::with("trainer.total_training_steps={}", [&((episodes / batch) as usize)]));
    }
    if let Some(lora) = options.lora() {
        let words = "actor_rollout_ref.model.lora_rank={} actor_rollout_ref.model.lora_alpha={}";
        options.say(Words::with(words, [&lora.r, &lora.alpha]));
    }
    command.extend(options.words());
    command
}

/// Its names of our estimators.
const KL_KINDS: [(&str, &str); 4] = [("k1", "kl"), ("k2", "mse"), ("k3", "low_var_kl"), ("full", "full")];

/// The KL in the reward, with its controller, or in the loss.
fn kl(run: &mut Run) {
    let options = &mut run.options;
    if options.value("kl_placement") == Some("loss".into()) {
        options.say(Words::script("actor_rollout_ref.actor.use_kl_loss=True"));
        options.take("kl_coef", "actor_rollout_ref.actor.kl_loss_coef={}");
        options.take_named("kl_estimator", "actor_rollout_ref.actor.kl_loss_type={}", &KL_KINDS);
        return;
    }
    options.say(Words::script("algorithm.use_kl_in_reward=True"));
    options.take("kl_coef", "algorithm.kl_ctrl.kl_coef={}");
    options.take_named("kl_estimator", "algorithm.kl_penalty={}", &KL_KINDS);
    if let Some(rule) = options.value("adaptive_kl") {
        let words = "algorithm.kl_ctrl.type=adaptive algorithm.kl_ctrl.target_kl={} algorithm.kl_ctrl.horizon={}";
        options.say(Words::with(words, [&rule["target"], &rule["horizon"]]));
    }
}

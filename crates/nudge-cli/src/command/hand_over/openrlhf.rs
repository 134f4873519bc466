//! OpenRLHF 0.11: DeepSpeed for reward models and DPO, Ray and vLLM for methods that sample.

use super::rows::Row;
use super::{REWARD, Rollout, Run, Trainer};
use serde_json::Value;

pub const TRAINER: Trainer = Trainer {
    name: "openrlhf",
    methods: &[REWARD, "dpo", "ppo", "grpo", "rloo", "reinforce"],
    requirements: "openrlhf[vllm]==0.11.2\n",
    row,
    command,
    notes: &[
        "Reward models and DPO start by `deepspeed`, on several machines by its `--hostfile`; methods that sample are sent to a running Ray (`ray start --head --num-gpus 8`, on further machines `ray start --address HEAD:6379`).",
        "GPUS are those of each role; `--train.colocate_all` lets them share. Adapters: `--ds.lora.rank`.",
        "Where Nudge chooses learning rate or temperature by the model, OpenRLHF's own default holds.",
    ],
};

fn row(row: &Row, _: usize) -> Value {
    row.in_messages("input")
}

fn command(run: &mut Run) -> Vec<String> {
    let mut command = match run.method.as_str() {
        REWARD | "dpo" => pairs(run),
        _ => online(run),
    };
    let options = &mut run.options;
    if let Some(lora) = options.lora() {
        let (r, alpha, targets) = (lora.r, lora.alpha, lora.targets());
        options.say(format!("--ds.lora.rank {r} --ds.lora.alpha {alpha} --ds.lora.target_modules {targets}"));
    }
    options.take("seed", "--train.seed {}");
    command.extend(options.words());
    command
}

/// Reward models and DPO.
fn pairs(run: &mut Run) -> Vec<String> {
    let script = if run.method == REWARD { "train_rm" } else { "train_dpo" };
    let options = &mut run.options;
    for (name, words) in [
        ("learning_rate", "--adam.lr {}"),
        ("weight_decay", "--adam.weight_decay {}"),
        ("warmup_ratio", "--lr_warmup_ratio {}"),
        ("max_grad_norm", "--max_norm {}"),
        ("beta", "--model.beta {}"),
        ("label_smoothing", "--model.label_smoothing {}"),
    ] {
        options.take(name, words);
    }
    options.take_named("loss", "{}", &[("ipo", "--model.ipo_enable"), ("bradley_terry", "--model.loss_type sigmoid")]);
    // It counts whole passes.
    if let Some(epochs) = options.number("epochs") {
        options.say(format!("--train.max_epochs {}", epochs.round().max(1.0)));
    }
    if let Some(pairs) = run.rows_of_step() {
        let rows = format!("--train.batch_size $(( ({pairs} + GPUS - 1) / GPUS * GPUS ))");
        run.options.say(format!("{rows} --train.micro_batch_size 1"));
    }
    vec![
        format!("deepspeed --num_gpus \"$GPUS\" --module openrlhf.cli.{script}"),
        "--model.model_name_or_path \"$POLICY\" --data.dataset data/train.jsonl --data.prompt_key prompt".into(),
        "--data.chosen_key chosen --data.rejected_key rejected --data.apply_chat_template".into(),
        "--ds.param_dtype bf16 --ds.zero_stage 3 --ckpt.output_dir out".into(),
    ]
}

/// PPO and the methods without a value model.
fn online(run: &mut Run) -> Vec<String> {
    let estimator = match run.method.as_str() {
        "grpo" => "group_norm",
        "rloo" => "rloo",
        "reinforce" => "reinforce",
        _ => "gae",
    };
    let options = &mut run.options;
    for (name, words) in [
        ("learning_rate", "--actor.adam.lr {}"),
        ("value_learning_rate", "--critic.adam.lr {}"),
        ("temperature", "--rollout.temperature {}"),
        ("max_new_tokens", "--rollout.max_new_tokens {}"),
        ("num_iterations", "--train.max_epochs {}"),
        ("kl_coef", "--algo.kl.init_coef {}"),
        ("gamma", "--algo.advantage.gamma {}"),
        ("lambda", "--algo.advantage.lambd {}"),
        ("cliprange", "--actor.eps_clip {}"),
        ("cliprange_value", "--critic.value_clip {}"),
        ("entropy_coef", "--actor.entropy_coef {}"),
    ] {
        options.take(name, words);
    }
    options.take_named("kl_estimator", "--algo.kl.estimator {}", &[("k1", "k1"), ("k2", "k2"), ("k3", "k3")]);
    options.take_named("kl_placement", "{}", &[("loss", "--algo.kl.use_loss")]);
    options.take_named("normalize_scores", "{}", &[("true", "--reward.normalize_enable")]);
    if let Some(rule) = options.value("adaptive_kl") {
        options.say(format!("--algo.kl.target {} --algo.kl.horizon {}", rule["target"], rule["horizon"]));
    }
    if let Some(Rollout { k, batch, minibatches, episodes }) = run.rollout() {
        let passes = (episodes / k / run.rows as f64).ceil().max(1.0);
        let prompts = (batch / k).max(1.0) as usize;
        run.options.say(format!("--rollout.n_samples_per_prompt {k} --rollout.batch_size {prompts}"));
        let minibatch = (batch / minibatches) as usize;
        run.options.say(format!("--train.batch_size {minibatch} --train.num_episodes {passes}"));
    }
    let mut command = vec![
        "ray job submit --address http://127.0.0.1:8265 --working-dir . -- python3 -m openrlhf.cli.train_ppo_ray".into(),
        "--actor.model_name_or_path \"$POLICY\" --reward.model_name_or_path \"$REWARD\"".into(),
        format!("--data.prompt_dataset data/train.jsonl --data.input_key input --data.apply_chat_template --algo.advantage.estimator {estimator}"),
        "--ref.num_nodes \"$NODES\" --ref.num_gpus_per_node \"$GPUS\" --reward.num_nodes \"$NODES\" --reward.num_gpus_per_node \"$GPUS\"".into(),
        "--actor.num_nodes \"$NODES\" --actor.num_gpus_per_node \"$GPUS\" --vllm.num_engines \"$GPUS\" --vllm.tensor_parallel_size 1".into(),
        "--train.colocate_all --vllm.enable_sleep --ds.enable_sleep --ds.param_dtype bf16 --ds.zero_stage 3 --ckpt.output_dir out".into(),
    ];
    if estimator == "gae" {
        command.push("--critic.model_name_or_path \"$REWARD\" --critic.num_nodes \"$NODES\" --critic.num_gpus_per_node \"$GPUS\"".into());
    }
    command
}

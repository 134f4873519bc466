//! OpenRLHF 0.11: DeepSpeed for reward models and DPO, Ray and vLLM for methods that sample.

use super::rows::Row;
use super::script::Words;
use super::{REWARD, Rollout, Run, Trainer};
use serde_json::Value;

pub const TRAINER: Trainer = Trainer {
    name: "openrlhf",
    methods: &[REWARD, "dpo", "ppo", "grpo", "rloo", "reinforce"],
    requirements: "openrlhf[vllm]==0.11.2\n",
    row,
    command,
    // `ray job submit` joins the words and gives them to a shell.
    resubmits: &["ppo", "grpo", "rloo", "reinforce"],
    notes: &[
        "Reward models and DPO start by `deepspeed`, on several machines by its `--hostfile`; methods that sample are sent to a running Ray (`ray start --head --num-gpus 8`, on further machines `ray start --address HEAD:6379`).",
        "GPUS are those of each role; `--train.colocate_all` lets them share. Adapters: `--ds.lora.rank`.",
        "Where Nudge chooses learning rate or temperature by the model, OpenRLHF's own default holds.",
    ],
};

fn row(row: &Row, _: usize) -> Value {
    row.in_messages("input")
}

fn command(run: &mut Run) -> Vec<Words> {
    let mut command = match run.method.as_str() {
        REWARD | "dpo" => pairs(run),
        _ => online(run),
    };
    let options = &mut run.options;
    if let Some(lora) = options.lora() {
        let words =
            Words::with("--ds.lora.rank {} --ds.lora.alpha {} --ds.lora.target_modules", [&lora.r, &lora.alpha]);
        options.say(lora.targets_behind(words));
    }
    options.take("seed", "--train.seed {}");
    command.extend(options.words());
    command
}

/// Reward models and DPO.
fn pairs(run: &mut Run) -> Vec<Words> {
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
        options.say(Words::with("--train.max_epochs {}", [&epochs.round().max(1.0)]));
    }
    if let Some(pairs) = run.rows_of_step() {
        let rows = "--train.batch_size $(( ({} + GPUS - 1) / GPUS * GPUS )) --train.micro_batch_size 1";
        run.options.say(Words::with(rows, [&pairs]));
    }
    vec![
        Words::with("deepspeed --num_gpus \"$GPUS\" --module openrlhf.cli.{}", [&script]),
        Words::script(
            "--model.model_name_or_path \"$POLICY\" --data.dataset data/train.jsonl --data.prompt_key prompt",
        ),
        Words::script("--data.chosen_key chosen --data.rejected_key rejected --data.apply_chat_template"),
        Words::script("--ds.param_dtype bf16 --ds.zero_stage 3 --ckpt.output_dir out"),
    ]
}

/// PPO and the methods without a value model.
fn online(run: &mut Run) -> Vec<Words> {
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
        let words = "--algo.kl.target {} --algo.kl.horizon {}";
        options.say(Words::with(words, [&rule["target"], &rule["horizon"]]));
    }
    if let Some(Rollout { k, batch, minibatches, episodes }) = run.rollout() {
        let passes = (episodes / k / run.rows as f64).ceil().max(1.0);
        let prompts = (batch / k).max(1.0) as usize;
        let words = "--rollout.n_samples_per_prompt {} --rollout.batch_size {}";
        run.options.say(Words::with(words, [&k, &prompts]));
        let minibatch = (batch / minibatches) as usize;
        run.options.say(Words::with("--train.batch_size {} --train.num_episodes {}", [&minibatch, &passes]));
    }
    let mut command = vec![
        Words::script(
            "ray job submit --address http://127.0.0.1:8265 --working-dir . -- python3 -m openrlhf.cli.train_ppo_ray",
        ),
        Words::script("--actor.model_name_or_path \"$POLICY\" --reward.model_name_or_path \"$REWARD\""),
        Words::with(
            "--data.prompt_dataset data/train.jsonl --data.input_key input --data.apply_chat_template --algo.advantage.estimator {}",
            [&estimator],
        ),
        Words::script(
            "--ref.num_nodes \"$NODES\" --ref.num_gpus_per_node \"$GPUS\" --reward.num_nodes \"$NODES\" --reward.num_gpus_per_node \"$GPUS\"",
        ),
        Words::script(
            "--actor.num_nodes \"$NODES\" --actor.num_gpus_per_node \"$GPUS\" --vllm.num_engines \"$GPUS\" --vllm.tensor_parallel_size 1",
        ),
        Words::script(
            "--train.colocate_all --vllm.enable_sleep --ds.enable_sleep --ds.param_dtype bf16 --ds.zero_stage 3 --ckpt.output_dir out",
        ),
    ];
    if estimator == "gae" {
        command.push(Words::script("--critic.model_name_or_path \"$REWARD\" --critic.num_nodes \"$NODES\" --critic.num_gpus_per_node \"$GPUS\""));
    }
    command
}

//! TRL 1.16 on torch.distributed: its scripts read a folder of JSON lines and take options as flags.

use super::rows::Row;
use super::script::Words;
use super::{REWARD, Rollout, Run, Trainer};
use serde_json::Value;

pub const TRAINER: Trainer = Trainer {
    name: "trl",
    methods: &[REWARD, "dpo", "kto", "grpo", "rloo"],
    requirements: "trl==1.16.0\npeft==0.21.2\ntransformers==5.23.0\naccelerate==1.15.0\ndatasets==5.2.0\ntorch>=2.6\n",
    row,
    command,
    resubmits: &[],
    notes: &[
        "On two machines: `NODES=2 RANK=0 MASTER=first GPUS=8 sh launch.sh` on the first, `RANK=1` on the second.",
        "Weights in shards: `sh launch.sh --fsdp \"full_shard auto_wrap\"`. Without a GPU: `sh launch.sh --use_cpu true --bf16 false --ddp_backend gloo`.",
        "Where Nudge chooses learning_rate, temperature or rpo_alpha by the model, TRL's own default holds.",
    ],
};

fn row(row: &Row, _: usize) -> Value {
    row.in_messages("prompt")
}

fn command(run: &mut Run) -> Vec<Words> {
    let mut command = vec![
        Words::script(
            "python -m torch.distributed.run --nnodes \"$NODES\" --nproc_per_node \"$GPUS\" --node_rank \"$RANK\"",
        ),
        Words::with("--master_addr \"$MASTER\" --master_port \"$PORT\" -m trl.scripts.{}", [&run.method]),
        Words::script("--model_name_or_path \"$POLICY\" --dataset_name data --output_dir out"),
    ];
    let options = &mut run.options;
    let lora = options.lora();
    for (name, words) in [
        ("learning_rate", "--learning_rate {}"),
        ("epochs", "--num_train_epochs {}"),
        ("gradient_accumulation_steps", "--gradient_accumulation_steps {}"),
        ("max_grad_norm", "--max_grad_norm {}"),
        ("weight_decay", "--weight_decay {}"),
        ("seed", "--seed {}"),
    ] {
        options.take(name, words);
    }
    let schedules = [("constant", "constant"), ("linear", "linear"), ("cosine", "cosine")];
    options.take_named("lr_decay", "--lr_scheduler_type {}", &schedules);
    match run.method.as_str() {
        REWARD | "dpo" | "kto" => offline(run),
        _ => online(run),
    }
    let options = &mut run.options;
    if let Some(lora) = lora {
        let words = Words::with("--use_peft --lora_r {} --lora_alpha {} --lora_target_modules", [&lora.r, &lora.alpha]);
        options.say(lora.targets_behind(words));
        if lora.rslora {
            options.say(Words::script("--use_rslora"));
        }
        if run.method == REWARD {
            options.say(Words::script("--lora_task_type SEQ_CLS"));
        }
    }
    command.extend(options.words());
    command
}

/// What reward models, DPO and KTO have beside the others.
fn offline(run: &mut Run) {
    let options = &mut run.options;
    for (name, words) in [
        ("center_rewards_coefficient", "--center_rewards_coefficient {}"),
        ("beta", "--beta {}"),
        ("label_smoothing", "--label_smoothing {}"),
        ("desirable_weight", "--desirable_weight {}"),
        ("undesirable_weight", "--undesirable_weight {}"),
    ] {
        options.take(name, words);
    }
    let losses = ["sigmoid", "sigmoid_norm", "hinge", "ipo", "robust"].map(|name| (name, name));
    options.take_named("loss", "--loss_type {}", &losses);
    let Some(rows) = run.rows_of_step() else { return };
    // A process of KTO measures the KL on its own rows, of which it takes the completions of others.
    let least = if run.method == "kto" { 2 } else { 1 };
    run.options.say(share(rows, least));
}

/// A batch that the processes share, each with so many rows at least.
fn share(rows: f64, least: usize) -> Words {
    match least {
        1 => Words::with("--per_device_train_batch_size $(( ({} + GPUS * NODES - 1) / (GPUS * NODES) ))", [&rows]),
        least => Words::with(
            "--per_device_train_batch_size \
             $(( ({} + GPUS * NODES - 1) / (GPUS * NODES) > {} ? ({} + GPUS * NODES - 1) / (GPUS * NODES) : {} ))",
            [&rows, &least, &rows, &least],
        ),
    }
}

/// What methods that sample have beside the others.
fn online(run: &mut Run) {
    let options = &mut run.options;
    options.say(Words::script("--reward_model_name_or_path \"$REWARD\""));
    for (name, words) in [
        ("k", "--num_generations {}"),
        ("kl_coef", "--beta {}"),
        ("temperature", "--temperature {}"),
        ("max_new_tokens", "--max_completion_length {}"),
        ("num_iterations", "--num_iterations {}"),
        ("cliprange", "--epsilon {}"),
    ] {
        options.take(name, words);
    }
    if run.method == "grpo" {
        options.take_named("scale_rewards", "--scale_rewards {}", &[("group", "group"), ("none", "none")]);
        let losses = [("sequence_mean", "grpo"), ("token_mean", "dapo"), ("fixed_length", "dr_grpo")];
        options.take_named("loss_aggregation", "--loss_type {}", &losses);
    }
    if let Some(Rollout { batch, minibatches, episodes, .. }) = run.rollout() {
        let options = &mut run.options;
        let steps = (episodes / batch * minibatches) as usize;
        options.say(Words::with("--max_steps {} --steps_per_generation {}", [&steps, &minibatches]));
        options.say(share((batch / minibatches).floor(), 1));
    }
}

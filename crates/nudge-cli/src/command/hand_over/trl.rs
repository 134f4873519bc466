//! TRL 1.16 on torch.distributed: its scripts read a folder of JSON lines and take options as flags.

use super::rows::Row;
use super::{REWARD, Run, Trainer};
use serde_json::{Value, json};

pub const TRAINER: Trainer = Trainer {
    name: "trl",
    methods: &[REWARD, "dpo", "grpo", "rloo"],
    requirements: "trl==1.16.0\npeft==0.21.2\ndatasets>=4.7\n",
    row,
    command,
    notes: &[
        "On two machines: `NODES=2 RANK=0 MASTER=first GPUS=8 sh launch.sh` on the first, `RANK=1` on the second.",
        "Weights in shards: `sh launch.sh --fsdp \"full_shard auto_wrap\"`. Without a GPU: `sh launch.sh --use_cpu true --bf16 false --ddp_backend gloo`.",
        "Where Nudge chooses learning_rate by what trains, TRL's own default holds.",
    ],
};

fn row(row: &Row, _: usize) -> Value {
    match row {
        Row::Prompt(prompt) => json!({ "prompt": prompt }),
        Row::Pair { prompt, chosen, rejected, margin: None } => {
            json!({ "prompt": prompt, "chosen": [chosen], "rejected": [rejected] })
        }
        Row::Pair { prompt, chosen, rejected, margin } => {
            json!({ "prompt": prompt, "chosen": [chosen], "rejected": [rejected], "margin": margin })
        }
    }
}

fn command(run: &mut Run) -> Vec<String> {
    let mut command = vec![
        "python -m torch.distributed.run --nnodes \"$NODES\" --nproc_per_node \"$GPUS\" --node_rank \"$RANK\"".into(),
        format!("--master_addr \"$MASTER\" --master_port \"$PORT\" -m trl.scripts.{}", run.method),
        "--model_name_or_path \"$POLICY\" --dataset_name data --output_dir out".into(),
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
        REWARD => options.take("center_rewards_coefficient", "--center_rewards_coefficient {}"),
        "dpo" => {
            options.take("beta", "--beta {}");
            let losses = [("sigmoid", "sigmoid"), ("hinge", "hinge"), ("ipo", "ipo"), ("robust", "robust")];
            options.take_named("loss", "--loss_type {}", &losses);
            options.take("label_smoothing", "--label_smoothing {}");
        }
        _ => online(run),
    }
    let options = &mut run.options;
    if let Some(rankings) = options.number("batch_size").filter(|_| run.pairs_of_ranking > 0.0) {
        let pairs = (rankings * run.pairs_of_ranking).round().max(1.0);
        options.say(format!("--per_device_train_batch_size $(( ({pairs} + GPUS * NODES - 1) / (GPUS * NODES) ))"));
    }
    if let Some(lora) = lora {
        let targets = lora.targets.map_or("all-linear".into(), |names| names.replace(',', " "));
        options
            .say(format!("--use_peft --lora_r {} --lora_alpha {} --lora_target_modules {targets}", lora.r, lora.alpha));
        if lora.rslora {
            options.say("--use_rslora".into());
        }
        if run.method == REWARD {
            options.say("--lora_task_type SEQ_CLS".into());
        }
    }
    command.extend(options.words());
    command
}

/// What methods that sample have beside the others.
fn online(run: &mut Run) {
    let options = &mut run.options;
    options.say("--reward_model_name_or_path \"$REWARD\"".into());
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
    if let (Some(episodes), Some(batch)) = (options.number("episodes"), options.number("batch_size")) {
        let minibatches = options.number("num_mini_batches").unwrap_or(1.0);
        options.say(format!("--max_steps {}", (episodes / batch * minibatches) as usize));
        options.say(format!("--steps_per_generation {minibatches}"));
        let rows = (batch / minibatches) as usize;
        options.say(format!("--per_device_train_batch_size $(( ({rows} + GPUS * NODES - 1) / (GPUS * NODES) ))"));
    }
    run.pairs_of_ranking = 0.0;
}

//! NeMo-RL: reward models and DPO on Ray with DTensor; options are overrides of the configurations in its repository.

use super::rows::Row;
use super::script::Words;
use super::{REWARD, Run, Trainer};
use serde_json::{Value, json};

pub const TRAINER: Trainer = Trainer {
    name: "nemo-rl",
    methods: &[REWARD, "dpo"],
    // It is not on PyPI.
    requirements: "uv\n",
    row,
    command,
    resubmits: &[],
    notes: &[
        "Clone github.com/NVIDIA-NeMo/RL with its submodules and start `NEMO_RL=that/clone sh launch.sh`; it needs Linux with CUDA.",
        "On several machines: start Ray on all of them as its docs/cluster.md says, then `NODES=2 GPUS=8 sh launch.sh` on the first.",
        "Where Nudge chooses learning rate or temperature by the model, the configuration's own holds.",
    ],
};

/// Its own schema of rankings; its trainers take two completions a row and refuse ties.
fn row(row: &Row, _: usize) -> Value {
    match row {
        Row::Prompt(_) | Row::Labelled { .. } => row.in_messages("input"),
        Row::Pair { prompt, chosen, rejected, .. } => json!({
            "context": prompt,
            "completions": [{ "rank": 0, "completion": [chosen] }, { "rank": 1, "completion": [rejected] }],
        }),
    }
}

fn command(run: &mut Run) -> Vec<Words> {
    let is_reward = run.method == REWARD;
    let script = if is_reward { "rm" } else { "dpo" };
    let mut command = vec![
        Words::with(
            "env -C \"${NEMO_RL:?a clone of NVIDIA-NeMo/RL}\" uv run examples/run_{}.py --config examples/configs/{}.yaml",
            [&script, &script],
        ),
        Words::script(
            "policy.model_name=\"$(realpath \"$POLICY\" 2>/dev/null || printf %s \"$POLICY\")\" policy.tokenizer.name='${policy.model_name}'",
        ),
        Words::script(
            "cluster.gpus_per_node=\"$GPUS\" cluster.num_nodes=\"$NODES\" checkpointing.checkpoint_dir=\"$PWD/out\"",
        ),
    ];
    command.push(Words::script(match is_reward {
        true => {
            "data.dataset_name=PreferenceDataset ++data.train_data_path=\"$PWD/data/train.jsonl\" ++data.val_data_paths.held_out=\"$PWD/data/train.jsonl\""
        }
        false => {
            "data.train.dataset_name=PreferenceDataset ++data.train.data_path=\"$PWD/data/train.jsonl\" data.validation.dataset_name=PreferenceDataset ++data.validation.data_path=\"$PWD/data/train.jsonl\""
        }
    }));
    let options = &mut run.options;
    for (name, words) in [
        ("learning_rate", "policy.optimizer.kwargs.lr={}"),
        ("weight_decay", "policy.optimizer.kwargs.weight_decay={}"),
        ("max_grad_norm", "policy.max_grad_norm={}"),
        ("beta", "dpo.reference_policy_kl_penalty={}"),
    ] {
        options.take(name, words);
    }
    options.take("seed", if is_reward { "rm.seed={}" } else { "dpo.seed={}" });
    if let Some(epochs) = options.number("epochs") {
        let epochs = epochs.round().max(1.0);
        options.say(Words::with("{}.max_num_epochs={} {}.max_num_steps=-1", [&script, &epochs, &script]));
    }
    if let Some(pairs) = run.rows_of_step() {
        let words = "policy.train_global_batch_size=$(( ({} + GPUS * NODES - 1) / (GPUS * NODES) * GPUS * NODES )) policy.train_micro_batch_size=1";
        run.options.say(Words::with(words, [&pairs]));
    }
    let options = &mut run.options;
    let lora = options.lora();
    if let Some(lora) = lora.filter(|_| !is_reward) {
        let words = "policy.dtensor_cfg.lora_cfg.enabled=True policy.dtensor_cfg.lora_cfg.dim={} policy.dtensor_cfg.lora_cfg.alpha={}";
        options.say(Words::with(words, [&lora.r, &lora.alpha]));
    }
    command.extend(options.words());
    command
}

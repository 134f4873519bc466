//! NeMo-RL: reward models and DPO on Ray with DTensor; options are overrides of the configurations in its repository.

use super::rows::Row;
use super::{REWARD, Run, Trainer};
use serde_json::{Value, json};

pub const TRAINER: Trainer = Trainer {
    name: "nemo-rl",
    methods: &[REWARD, "dpo"],
    // It is not on PyPI.
    requirements: "uv\n",
    row,
    command,
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

fn command(run: &mut Run) -> Vec<String> {
    let script = if run.method == REWARD { "rm" } else { "dpo" };
    let mut command = vec![
        format!("env -C \"${{NEMO_RL:?a clone of NVIDIA-NeMo/RL}}\" uv run examples/run_{script}.py --config examples/configs/{script}.yaml"),
        "policy.model_name=\"$(realpath \"$POLICY\" 2>/dev/null || echo \"$POLICY\")\" policy.tokenizer.name='${policy.model_name}'".into(),
        "cluster.gpus_per_node=\"$GPUS\" cluster.num_nodes=\"$NODES\" checkpointing.checkpoint_dir=\"$PWD/out\"".into(),
    ];
    command.push(match run.method.as_str() {
        REWARD => "data.dataset_name=PreferenceDataset ++data.train_data_path=\"$PWD/data/train.jsonl\" ++data.val_data_paths.held_out=\"$PWD/data/train.jsonl\"".into(),
        _ => "data.train.dataset_name=PreferenceDataset ++data.train.data_path=\"$PWD/data/train.jsonl\" data.validation.dataset_name=PreferenceDataset ++data.validation.data_path=\"$PWD/data/train.jsonl\"".to_string(),
    });
    let options = &mut run.options;
    for (name, words) in [
        ("learning_rate", "policy.optimizer.kwargs.lr={}"),
        ("weight_decay", "policy.optimizer.kwargs.weight_decay={}"),
        ("max_grad_norm", "policy.max_grad_norm={}"),
        ("beta", "dpo.reference_policy_kl_penalty={}"),
    ] {
        options.take(name, words);
    }
    options.take("seed", &format!("{script}.seed={{}}"));
    if let Some(epochs) = options.number("epochs") {
        options.say(format!("{script}.max_num_epochs={} {script}.max_num_steps=-1", epochs.round().max(1.0)));
    }
    if let Some(pairs) = run.rows_of_step() {
        let rows = format!("$(( ({pairs} + GPUS * NODES - 1) / (GPUS * NODES) * GPUS * NODES ))");
        run.options.say(format!("policy.train_global_batch_size={rows} policy.train_micro_batch_size=1"));
    }
    let options = &mut run.options;
    let lora = options.lora();
    if let Some(lora) = lora.filter(|_| run.method == "dpo") {
        let key = "policy.dtensor_cfg.lora_cfg";
        options.say(format!("{key}.enabled=True {key}.dim={} {key}.alpha={}", lora.r, lora.alpha));
    }
    command.extend(options.words());
    command
}

//! temp
use nudge_session::*;
use nudge_session::options::*;
use std::io::Write;
fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let mut session = Session::new(burn::tensor::Device::flex());
    let out = args[2].clone();
    let command = if args[1] == "pretrain" {
        let options: PretrainOptions = serde_json::from_str(&args[3])?;
        Command::Pretrain { texts: args[4..].iter().map(|p| std::fs::read_to_string(p).unwrap()).collect(), options }
    } else {
        let files = std::fs::read_dir(&out)?.map(|e| { let e = e.unwrap(); (e.file_name().into_string().unwrap(), std::fs::read(e.path()).unwrap()) }).collect();
        session.put_model("m", files)?;
        Command::Eval { model: "m".into(), text: std::fs::read_to_string(&args[3])?, options: Default::default() }
    };
    let ck = format!("{out}/checkpoint");
    let resume = std::fs::read_dir(&ck).ok().map(|d| d.map(|e| { let e = e.unwrap(); (e.file_name().into_string().unwrap(), std::fs::read(e.path()).unwrap()) }).collect());
    let mut run = session.start(command, resume)?;
    std::fs::create_dir_all(&ck)?;
    let mut log = std::fs::OpenOptions::new().append(true).create(true).open(format!("{out}/log.jsonl"))?;
    while let Some(event) = futures_lite::future::block_on(run.next())? {
        match &event {
            Event::Model { files, .. } => for (n, b) in files { std::fs::write(format!("{out}/{n}"), b)?; },
            Event::Progress { step, .. } if step % 50 == 0 && args[1] == "pretrain" => {
                let files = futures_lite::future::block_on(run.save())?;
                for (n, b) in files { std::fs::write(format!("{ck}/{n}.tmp"), b)?; std::fs::rename(format!("{ck}/{n}.tmp"), format!("{ck}/{n}"))?; }
            }
            _ => {}
        }
        writeln!(log, "{}", serde_json::to_string(&event)?)?;
        println!("{}", serde_json::to_string(&event)?);
    }
    Ok(())
}

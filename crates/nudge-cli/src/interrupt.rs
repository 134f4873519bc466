//! Ctrl-C and SIGTERM: the first asks the run to save and stop after its minibatch or step, one that comes a second or more later
//! ends the process. Those in between count as the first: `timeout` and its like send every signal twice.
//! While the program waits for a person to type, the first one ends it: nothing is half done then.
//! A limit on the size of files ends nothing by itself.

use crate::failure::tell;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

static REQUESTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
static IMPATIENT: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
static WAITING: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Whether a run makes steps, which a signal waits for.
static STEPPING: AtomicBool = AtomicBool::new(false);

/// Starts listening. A system that refuses leaves the default: the signal ends the process.
pub fn listen() {
    for signal in [SIGINT, SIGTERM] {
        for condition in [&WAITING, &IMPATIENT] {
            let _ = flag::register_conditional_shutdown(signal, 130, Arc::clone(condition));
        }
        let _ = flag::register(signal, Arc::clone(&REQUESTED));
    }
    // A file that would outgrow `ulimit -f`: the write fails instead, and its error names the file.
    #[cfg(unix)]
    let _ = flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    thread::spawn(grow_impatient);
}

/// A signal handler may not ask for the time, so a thread does.
fn grow_impatient() {
    while !requested() {
        thread::sleep(Duration::from_millis(100));
    }
    if STEPPING.load(Ordering::Relaxed) {
        tell("\nstopping as soon as nothing is lost by it; once more ends now, and loses what is not stored yet");
    }
    thread::sleep(Duration::from_secs(1));
    IMPATIENT.store(true, Ordering::Relaxed);
}

/// From now on a terminal that is closed (SIGHUP) asks to stop, as Ctrl-C does. Only for those who sit at it: a run in
/// the background goes on.
///
/// Reading from a terminal that is gone may never return, so a second later the process ends in any case: call it only
/// where everything is on the disk while the program waits for a key.
#[cfg(unix)]
pub fn stop_on_hangup() {
    let hung_up: Arc<AtomicBool> = Arc::default();
    for flag in [&REQUESTED, &hung_up] {
        let _ = flag::register(signal_hook::consts::SIGHUP, Arc::clone(flag));
    }
    thread::spawn(move || {
        while !hung_up.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(250));
        }
        thread::sleep(Duration::from_secs(1));
        std::process::exit(130);
    });
}

/// A system without SIGHUP ends the process with its terminal.
#[cfg(not(unix))]
pub fn stop_on_hangup() {}

/// Whether somebody asked to stop.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// From now on a run makes steps, or makes none any more.
pub fn stepping(now: bool) {
    STEPPING.store(now, Ordering::Relaxed);
}

/// Does something that waits for a person.
pub fn while_waiting<T>(wait: impl FnOnce() -> T) -> T {
    WAITING.store(true, Ordering::Relaxed);
    let result = wait();
    WAITING.store(false, Ordering::Relaxed);
    result
}

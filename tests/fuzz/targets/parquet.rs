#![no_main]

libfuzzer_sys::fuzz_target!(
    init: {
        // The decoder's panics are caught by the reader; ours still end the run.
        std::panic::set_hook(Box::new(|_| {}));
    },
    |content: &[u8]| {
        if std::panic::catch_unwind(|| nudge_fuzz::parquet::target(content)).is_err() {
            std::process::abort();
        }
    }
);

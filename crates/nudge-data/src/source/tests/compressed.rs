//! gzip and Zstandard, whole and damaged.

use super::*;

fn packed(ending: &str, content: &[u8]) -> Vec<u8> {
    let mut writer = Vec::new();
    let mut compressor =
        super::super::compressed::Compressor::new(detect::extension_compression(ending), &mut writer).expect("begins");
    std::io::Write::write_all(&mut compressor, content).expect("writes");
    compressor.finish().expect("ends");
    writer
}

fn lines(count: usize) -> Vec<u8> {
    // Numbers that do not compress away.
    (0..count as u64)
        .flat_map(|n| format!("{{\"n\":{}}}\n", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).into_bytes())
        .collect()
}

fn found(content: &[u8], options: SourceOptions) -> Vec<Found> {
    Source::open("x.jsonl", content, options).expect("opens").collect()
}

#[test]
fn content_tells_the_compression_and_parts_follow_each_other() {
    let content = lines(1000);
    let plain = found(&content, SourceOptions::default());
    for (ending, compression) in [(".gz", Compression::Gzip), (".zst", Compression::Zstd)] {
        let (first, second) = content.split_at(5000);
        let file = [packed(ending, first), packed(ending, second)].concat();
        let mut source = Source::open("x.jsonl", file.as_slice(), SourceOptions::default()).expect("opens");
        assert_eq!(source.compression(), compression);
        assert_eq!(source.by_ref().collect::<Vec<_>>(), plain, "{ending}");
        assert_eq!(source.bytes_read(), file.len() as u64);
    }
    assert_eq!(plain.len(), 1000);
}

#[test]
fn a_cut_or_damaged_file_gives_what_came_before_and_one_reason() {
    let content = lines(100_000);
    let plain = found(&content, SourceOptions::default());
    for ending in [".gz", ".zst"] {
        let file = packed(ending, &content);
        let mut damaged = file.clone();
        let middle = file.len() / 2;
        damaged[middle..middle + 64].fill(0xff);
        // The checksum is in the last eight bytes of gzip and the last four of Zstandard.
        let mut wrong_sum = file.clone();
        wrong_sum[file.len() - if ending == ".gz" { 8 } else { 4 }] ^= 1;
        for (file, words, share) in [
            (&file[..middle], "cut off", 0.4),
            (&damaged, "beyond this point", 0.2),
            (&file[..file.len() - 1], "cut off", 0.9),
            (&wrong_sum, "beyond this point", 0.9),
        ] {
            let found = found(file, SourceOptions::default());
            let (last, before) = found.split_last().expect("is not empty");
            assert!(last.value.as_ref().is_err_and(|reason| reason.contains(words)), "{ending} {words}: {last:?}");
            assert!(before.len() as f64 > share * plain.len() as f64, "{ending} {words}: {}", before.len());
            let differ = before.iter().zip(&plain).filter(|(found, plain)| found != plain).count();
            // Damage may show only at the end of its block or at the checksum.
            assert!(differ == 0 || words != "cut off", "{ending} {words}: {differ}");
        }
    }
}

#[test]
fn a_file_that_expands_without_end_is_stopped() {
    let content = b"{\"a\":1}\n".repeat(1 << 20);
    let limits = Limits { expanded_bytes: 1 << 20, ..Limits::default() };
    for ending in [".gz", ".zst"] {
        let file = packed(ending, &content);
        let stopped = found(&file, SourceOptions { limits, ..Default::default() });
        let last = stopped.last().expect("is not empty");
        assert!(last.value.as_ref().is_err_and(|reason| reason.contains("made to fill the memory")), "{last:?}");
        assert!((1 << 17..1 << 20).contains(&stopped.len()), "{ending}: {}", stopped.len());
        // The default limit lets eight megabytes pass.
        assert_eq!(found(&file, SourceOptions::default()).len(), 1 << 20);
    }
}

#[test]
fn a_window_too_large_is_refused() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).expect("begins");
    encoder.window_log(28).expect("is allowed");
    std::io::Write::write_all(&mut encoder, &lines(10)).expect("writes");
    let found = found(&encoder.finish().expect("ends"), SourceOptions::default());
    assert_eq!(found.len(), 1);
    assert!(found[0].value.as_ref().is_err_and(|reason| reason.contains("beyond this point")), "{found:?}");
}

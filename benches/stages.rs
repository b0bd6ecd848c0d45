//! The pure stages of a request's way, each by itself: `cargo bench --features stages`.

use divan::Bencher;
use hookrunner::stages::Stages;

const SECRET: &str = "not-a-secret-but-a-benchmark";

fn main() {
    divan::main();
}

fn stages(id: &str) -> Stages {
    let root = env!("CARGO_MANIFEST_DIR");
    let push = std::fs::read(format!("{root}/benches/push.json")).expect("the push is there");
    Stages::new(&format!("{root}/benches/stages.yaml"), id, push, SECRET)
}

#[divan::bench]
fn payload_as_referred_to(bencher: Bencher) {
    let stages = stages("by-rule");
    bencher.bench_local(|| stages.payload());
}

#[divan::bench]
fn payload_whole(bencher: Bencher) {
    let stages = stages("by-rule");
    bencher.bench_local(|| stages.whole_payload());
}

#[divan::bench]
fn lookup_of_two_names(bencher: Bencher) {
    stages("by-rule").lookup(&["ref", "repository.full_name"], |found| bencher.bench_local(found));
}

#[divan::bench]
fn rule_with_hmac(bencher: Bencher) {
    stages("by-rule").rule(|evaluated| bencher.bench_local(evaluated));
}

#[divan::bench]
fn verify_github(bencher: Bencher) {
    let stages = stages("by-verify");
    bencher.bench_local(|| stages.verify());
}

#[divan::bench]
fn invocation(bencher: Bencher) {
    stages("by-verify").invocation(|built| bencher.bench_local(built));
}

#[divan::bench(args = ["by-rule", "by-verify"])]
fn judge(bencher: Bencher, id: &str) {
    let stages = stages(id);
    bencher.bench_local(|| stages.judge());
}

fn main() {
    let which: usize = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    let v = simulation::exhaustive::VARIANTS[which];
    let began = std::time::Instant::now();
    match simulation::exhaustive::enumerate(v) {
        Ok(c) => println!("{v:?} {c:?} {:?}", began.elapsed()),
        Err((v, s)) => println!("{s}\n{v:?}"),
    }
}

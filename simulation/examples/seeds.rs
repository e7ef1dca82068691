fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|a| a.parse::<u64>().ok());
    let (from, to) = (arguments.next().unwrap_or(0), arguments.next().unwrap_or(100));
    if to == from + 1 {
        for line in simulation::traced(from).trace {
            println!("{line}");
        }
    }
    let summary = simulation::campaign(from..to);
    for f in &summary.failed {
        println!("seed {}: {:#?}", f.seed, f.violations);
    }
    println!("{}", serde_json::to_string_pretty(&summary.to_json()).unwrap());
}

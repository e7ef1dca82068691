fn main() {
    let a: Vec<u64> = std::env::args().skip(1).map(|a| a.parse().unwrap()).collect();
    if a.len() == 1 {
        let r = simulation::traced(a[0]);
        for l in r.trace {
            println!("{l}");
        }
        println!("{:#?}", r.violations);
        return;
    }
    let s = simulation::campaign(a[0]..a[1], |p| eprintln!("{p:?}"));
    println!("{}", s.coverage);
    for f in s.failed.iter().take(20) {
        println!("{} {:?}", f.seed, f.violations);
    }
    for l in simulation::faults_of(&s.coverage, s.seeds) {
        println!("FAULT {l}");
    }
    println!("{} failures, {}/s", s.failures(), s.seeds_per_second);
}

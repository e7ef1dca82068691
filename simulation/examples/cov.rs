fn main() {
    let s = simulation::campaign(0..600);
    println!("{s}");
}

//! Tells people. See `engine::functions::notify`.

fn main() -> Result<(), aws::lambda::Error> {
    aws::lambda::serve(engine::functions::notify)
}

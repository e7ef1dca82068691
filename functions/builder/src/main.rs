//! Starts and stops builds. See `engine::functions::builder`.

fn main() -> Result<(), aws::lambda::Error> {
    aws::lambda::serve(engine::functions::builder)
}

//! Hears builds. See `engine::functions::build`.

fn main() -> Result<(), aws::lambda::Error> {
    aws::lambda::serve(engine::functions::build)
}

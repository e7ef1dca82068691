//! Hears pushes. See `engine::functions::push`.

fn main() -> Result<(), aws::lambda::Error> {
    aws::lambda::serve(engine::functions::push)
}

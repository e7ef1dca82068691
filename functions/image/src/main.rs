//! Hears images. See `engine::functions::image`.

fn main() -> Result<(), aws::lambda::Error> {
    aws::lambda::serve(engine::functions::image)
}

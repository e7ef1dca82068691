//! Hears approvals. See `engine::functions::approval`.

fn main() -> Result<(), aws::lambda::Error> {
    aws::lambda::serve(engine::functions::approval)
}

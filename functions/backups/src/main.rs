//! Finds databases that could not be restored. See `engine::functions::backups`.

fn main() -> Result<(), aws::lambda::Error> {
    aws::lambda::serve(engine::functions::backups)
}

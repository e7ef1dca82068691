//! Finds databases that could not be restored, and drills restoring them. See `engine::functions::backups`.

fn main() -> Result<(), aws::lambda::Error> {
    aws::lambda::serve(engine::functions::backups)
}

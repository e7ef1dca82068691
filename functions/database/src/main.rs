//! Tells what became of databases and migrations. See `engine::functions::database`.

fn main() -> Result<(), aws::lambda::Error> {
    aws::lambda::serve(engine::functions::database)
}

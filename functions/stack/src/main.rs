//! Hears stacks and the services in them. See `engine::functions::stack`.

fn main() -> Result<(), aws::lambda::Error> {
    aws::lambda::serve(engine::functions::stack)
}

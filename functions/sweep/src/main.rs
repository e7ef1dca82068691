//! Repairs what events and queues missed. See `engine::functions::sweep`.

fn main() -> Result<(), aws::lambda::Error> {
    aws::lambda::serve(engine::functions::sweep)
}

//! The door for Slack. See `engine::functions::slack`.

fn main() -> Result<(), aws::lambda::Error> {
    aws::lambda::serve(engine::functions::slack)
}

//! Plans and deploys. See `engine::functions::deployer`.

fn main() -> Result<(), aws::lambda::Error> {
    aws::lambda::serve(engine::functions::deployer)
}

//! An image that asks for a failed deployment by the label `tidegate.local.fails=deployment`.

use crate::front_door::FrontDoor;
use crate::front_door::scope::Scope;

pub(crate) async fn says_it_fails(_door: &FrontDoor, _scope: &Scope, _task_definition: &str) -> bool {
    false
}

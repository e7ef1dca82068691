//! Stories: Tidegate end to end on the local AWS. A real `git push`, the deployed `template.yaml`, the functions' own
//! binaries; one emulator for all, one account for each.

mod adopt;
mod before;
mod deployed;
mod events;
mod faults;
mod not_deployed;
mod operator;
mod orders;
mod outside;
mod people;
mod places;
mod policy;
mod proofs;
mod quarantine;
mod raw_call;
mod repaired;
mod report;
mod requires;
mod restart;
mod retired;
mod rolled_back;
mod slack;
mod story;
mod third_party;
mod truth;
mod verify;
mod words;
mod working_copy;
mod world;

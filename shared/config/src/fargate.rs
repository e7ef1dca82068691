//! Which sizes of task Fargate runs.
//!
//! Source: ECS developer guide, "Troubleshoot Amazon ECS task definition invalid CPU or memory errors".

pub(crate) const CPU_MIN: u32 = 256;
pub(crate) const CPU_MAX: u32 = 16_384;
pub(crate) const MEMORY_MIB_MIN: u32 = 512;
pub(crate) const MEMORY_MIB_MAX: u32 = 122_880;

const GIB: u32 = 1_024;

/// CPU units, and the memory that goes with them: from, to, in steps of (MiB).
const SIZES: [(u32, u32, u32, u32); 7] = [
    (CPU_MIN, MEMORY_MIB_MIN, 2 * GIB, GIB),
    (512, GIB, 4 * GIB, GIB),
    (1_024, 2 * GIB, 8 * GIB, GIB),
    (2_048, 4 * GIB, 16 * GIB, GIB),
    (4_096, 8 * GIB, 30 * GIB, GIB),
    (8_192, 16 * GIB, 60 * GIB, 4 * GIB),
    (CPU_MAX, 32 * GIB, MEMORY_MIB_MAX, 8 * GIB),
];

/// `Ok` when Fargate has tasks of `cpu` units.
pub(crate) fn check_cpu(cpu: u32) -> Result<(), String> {
    if SIZES.iter().any(|(known, ..)| *known == cpu) {
        return Ok(());
    }
    let known: Vec<String> = SIZES.iter().map(|(cpu, ..)| cpu.to_string()).collect();
    Err(format!("one of {}", known.join(", ")))
}

/// `Ok` when Fargate has tasks of `cpu` units with `memory_mib`; otherwise the memory that `cpu` goes with.
pub(crate) fn check_pair(cpu: u32, memory_mib: u32) -> Result<(), String> {
    let Some((_, from, to, step)) = SIZES.iter().find(|(known, ..)| *known == cpu) else {
        return check_cpu(cpu);
    };
    // The smallest size alone starts below its first step.
    let fits =
        (*from..=*to).contains(&memory_mib) && (memory_mib == *from || memory_mib.is_multiple_of(*step));
    if fits {
        return Ok(());
    }
    Err(if cpu == CPU_MIN {
        "512, 1024 or 2048 with 256 CPU units".to_owned()
    } else {
        format!("{from} to {to} in steps of {step} with {cpu} CPU units")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fargate_runs_these_sizes_and_no_others() {
        for (cpu, memory) in [
            (256, 512),
            (256, 1_024),
            (256, 2_048),
            (512, 1_024),
            (512, 4_096),
            (1_024, 2_048),
            (1_024, 8_192),
            (2_048, 4_096),
            (2_048, 16_384),
            (4_096, 8_192),
            (4_096, 30_720),
            (8_192, 16_384),
            (8_192, 61_440),
            (16_384, 32_768),
            (16_384, 122_880),
        ] {
            assert_eq!(check_pair(cpu, memory), Ok(()), "{cpu}/{memory}");
        }
        for (cpu, memory) in [
            (256, 256),
            (256, 513),
            (256, 1_536),
            (256, 3_072),
            (512, 512),
            (512, 5_120),
            (1_024, 1_024),
            (2_048, 4_097),
            (4_096, 31_744),
            (8_192, 17_408),
            (16_384, 36_864),
            (16_384, 131_072),
            (0, 512),
            (300, 512),
            (32_768, 65_536),
        ] {
            assert!(check_pair(cpu, memory).is_err(), "{cpu}/{memory}");
        }
    }

    #[test]
    fn a_wrong_pair_is_told_what_goes_together() {
        insta::assert_snapshot!(check_pair(256, 4_096).unwrap_err(), @"512, 1024 or 2048 with 256 CPU units");
        insta::assert_snapshot!(check_pair(8_192, 20_000).unwrap_err(), @"16384 to 61440 in steps of 4096 with 8192 CPU units");
        insta::assert_snapshot!(check_pair(300, 512).unwrap_err(), @"one of 256, 512, 1024, 2048, 4096, 8192, 16384");
    }
}

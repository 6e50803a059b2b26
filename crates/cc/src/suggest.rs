//! "Did you mean": the known name that is nearest to an unknown one.

/// Longer names are not compared.
const NAME_LEN_MAX: usize = 64;

/// The name among `known` that is nearest to `unknown`, if one is near enough to be meant: letters
/// left out, added, changed or swapped, a third of them at most; case and `_` for `-` do not count.
pub fn closest<'k>(unknown: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if unknown.len() > NAME_LEN_MAX {
        return None;
    }
    let unknown = folded(unknown);
    let allowed = (unknown.len() / 3).clamp(1, 4);
    let rated = known.into_iter().filter(|name| name.len() <= NAME_LEN_MAX);
    let rated = rated.filter(|name| name.len().abs_diff(unknown.len()) <= allowed);
    let rated = rated.map(|name| (distance(&unknown, &folded(name)), name));
    rated
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

fn folded(name: &str) -> Vec<u8> {
    let fold = |byte: u8| if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    name.bytes().map(fold).collect()
}

/// Edits between two names: insertions, deletions, changes and swaps of neighbours.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut two_above: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, &from) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        for (j, &to) in b.iter().enumerate() {
            let changed = above[j] + usize::from(from != to);
            let mut best = changed.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && from == b[j - 1] && a[i - 1] == to {
                best = best.min(two_above[j - 1] + 1);
            }
            row.push(best);
        }
        two_above = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_keyword_is_suggested() {
        let known = ["valid-lifetime", "renew-timer", "rebind-timer", "subnet4", "id", "pools"];
        let rows = [
            ("valid-lifetme", Some("valid-lifetime")),
            ("valid_lifetime", Some("valid-lifetime")),
            ("Valid-Lifetime", Some("valid-lifetime")),
            ("lifetime", None),
            ("renew-tiemr", Some("renew-timer")),
            ("subnet6", Some("subnet4")),
            ("subnets4", Some("subnet4")),
            ("pool", Some("pools")),
            ("di", Some("id")),
            ("", None),
            ("completely-different", None),
        ];
        for (unknown, expected) in rows {
            assert_eq!(closest(unknown, known), expected, "{unknown}");
        }
        assert_eq!(closest(&"x".repeat(1_000_000), known), None);
    }
}

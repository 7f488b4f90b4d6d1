use std::time::{SystemTime, UNIX_EPOCH};

/// One line for each comment that a client shows.
pub fn show(data: &str) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    println!("{} {}", now.as_millis(), data);
}

/// The stream's address, and whether the program is to do what its client's user must.
pub fn arguments() -> (String, bool) {
    let mut given = std::env::args().skip(1);
    (given.next().unwrap(), given.next().is_some())
}

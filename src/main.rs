//! Arguments in, one command run, an exit code out.
fn main() {}

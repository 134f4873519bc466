//! The rules on recorded runs, good ones and spoiled ones.

use super::*;

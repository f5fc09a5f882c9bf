//! Central differences of any closure: a gradient without a chain rule.

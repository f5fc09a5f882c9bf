mod bundled;
mod data;
mod dialects;
mod features;
mod refusals;
mod running;

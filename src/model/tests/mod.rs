mod bundled;
mod data;
mod dialects;
mod refusals;
mod running;

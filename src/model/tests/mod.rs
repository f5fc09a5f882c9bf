mod bundled;
mod dialects;
mod refusals;
mod running;

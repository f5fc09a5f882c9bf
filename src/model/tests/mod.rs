mod bundled;
mod data;
mod dialects;
mod outputs;
mod refusals;
mod running;
mod scopes;

"""What `hub up` and `prefect deploy` need: the worker, the CLI, blocks, limits, automations."""

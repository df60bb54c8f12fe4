"""The Prefect flows: the only package with @flow and @task."""

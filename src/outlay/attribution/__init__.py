"""Who pays: rules from what a fact says of itself to team, owner, project, environment, purpose and stage."""

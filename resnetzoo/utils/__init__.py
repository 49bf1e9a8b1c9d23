"""What has nothing to do with networks: checks of arguments, whole files, devices, random states, compiling."""

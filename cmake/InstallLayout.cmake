# What `cmake --install` lays out beside what each target installs itself.

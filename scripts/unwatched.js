/**
 * Loaded before each test where no coverage is asked for. For its coverage tap has each test, and each program that a test
 * starts, note every file it loads and read the source maps of all: that takes as long as to load them. Here it is told to
 * note nothing, and programs start as their users start them.
 */
process.env._TAPJS_PROCESSINFO_EXCLUDE_ = '/^/'
delete process.env.NODE_OPTIONS

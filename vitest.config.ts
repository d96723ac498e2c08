// One runner for every test; a file under test/ says by its folder what kind it is.
import { defineConfig, type ViteUserConfigExport } from 'vitest/config'

const config: ViteUserConfigExport = defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // A test that hangs must end; how fast one is depends on what else the machine does.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    env: { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0' },
  },
})
export default config

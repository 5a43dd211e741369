export { RedisBackplane, type RedisBackplaneOptions } from './websocket/backplane/redis/redis.backplane.js';

using System.Runtime.Versioning;

// These tests read file modes and /proc.
[assembly: SupportedOSPlatform("linux")]

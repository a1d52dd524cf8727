using OrleansKms.Tests.Bench;

// Each benchmark prints one table; figures and the way they were made stand in README.md beside this file.
switch (args.FirstOrDefault())
{
    case "grain-cost":
        await GrainCost.Run(withFence: args.Length > 1 && args[1] == "fence");
        return 0;
    case "many-keys":
        await ManyKeys.Run(args.Length > 1 ? int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 100_000);
        return 0;
    case "creates":
        await Creates.Run(Environment.GetEnvironmentVariable("OKMS_TEST_DATABASE_URL"));
        return 0;
    case "validate":
        await ValidateFanOut.Run();
        return 0;
    case "hsm":
        return await HsmCost.Run(args);
    default:
        Console.Error.WriteLine("usage: dotnet run -c Release --project tests/Bench -- grain-cost [fence] | many-keys [COUNT] | creates | validate | hsm");
        return 2;
}

using System.Diagnostics.Metrics;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using OrleansKms.Grains.Clocks;
using OrleansKms.Grains.Fencing;

namespace OrleansKms.Tests.Unit.Fencing;

public sealed class FenceMarkTests : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly Fence _fence;
    private readonly Context _context;
    private readonly FenceMark _mark;

    public FenceMarkTests()
    {
        _fence = new(
            new FenceOptions(), new NoQuery(), new BootClock(), TimeProvider.System, Options.Create(new SiloMessagingOptions()),
            _services.GetRequiredService<IMeterFactory>(), NullLogger<Fence>.Instance);
        var context = DispatchProxy.Create<IGrainContext, Context>();
        _context = (Context)(object)context;
        _mark = _fence.Add(context);
    }

    public void Dispose()
    {
        _fence.Dispose();
        _services.Dispose();
    }

    [Fact]
    public void Saw_NewerThanKnown_IsBehindAndEndsOnce()
    {
        Known(1);
        _mark.Saw(1);
        Assert.Equal((false, 0), (_mark.IsBehind, _context.Ends));
        _mark.Saw(2);
        _mark.Saw(3);
        Assert.Equal((true, 1), (_mark.IsBehind, _context.Ends));
    }

    [Fact]
    public void Ended_ReadsAgain_AnswersFromThat()
    {
        Known(1);
        _mark.Saw(2);
        Assert.Equal(2, _mark.BeginCall());
        _mark.EndRead(2);
        Assert.False(_mark.IsBehind);
    }

    [Fact]
    public void Saw_BeforeAnythingIsKnown_IsBehindAndEndsNothing()
    {
        _mark.Saw(1);
        Assert.Equal((true, 0), (_mark.IsBehind, _context.Ends));
    }

    [Fact]
    public void Saw_OwnWriteBeforeItsAnswer_IsBehindUntilItComesAndEndsNothing()
    {
        Known(1);
        _mark.BeginCall();
        _mark.Saw(2);
        Assert.Equal((true, 0), (_mark.IsBehind, _context.Ends));
        _mark.EndWrite(2);
        Assert.Equal((false, 0), (_mark.IsBehind, _context.Ends));
    }

    [Fact]
    public void Saw_AnothersWriteDuringAnOwn_EndsWhenTheOwnHasFailed()
    {
        Known(1);
        _mark.BeginCall();
        _mark.Saw(2);
        _mark.EndWrite(null);
        Assert.Equal((true, 1), (_mark.IsBehind, _context.Ends));
    }

    [Fact]
    public void EndRead_ThatFailed_LeavesItBehind()
    {
        Known(1);
        _mark.Saw(2);
        _mark.BeginCall();
        _mark.EndRead(null);
        Assert.True(_mark.IsBehind);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Compare_WithAnotherVersion_IsBehindUntilRead(int stored)
    {
        Known(3);
        _mark.Compare(stored);
        Assert.Equal((true, 0), (_mark.IsBehind, _context.Ends));
        Known(stored);
        Assert.False(_mark.IsBehind);

        // From here on versions count from what is stored now.
        _mark.Saw(stored + 1);
        Assert.True(_mark.IsBehind);
    }

    [Fact]
    public void Compare_WithTheSameVersion_OrDuringACall_ChangesNothing()
    {
        Known(3);
        _mark.Compare(3);
        _mark.BeginCall();
        _mark.Compare(2);
        Assert.False(_mark.IsBehind);
    }

    [Fact]
    public void Replaced_AnswersNothingAndReadsNothing()
    {
        Known(1);
        _mark.BeginCall();
        _mark.Replaced();
        Assert.True(_mark.IsBehind);
        _mark.EndWrite(2);
        Assert.True(_mark.IsBehind);
        Assert.Equal("unavailable", Assert.Throws<KmsException>(() => _mark.BeginCall()).Code);
    }

    private void Known(int version)
    {
        _mark.BeginCall();
        _mark.EndRead(version);
    }

    private sealed class NoQuery() : FenceQuery(null!, null!, Options.Create(new ClusterOptions { ServiceId = "unit" }), null!);

    /// <summary>An activation that counts how often it is ended.</summary>
    public class Context : DispatchProxy
    {
        public int Ends { get; private set; }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            if (targetMethod!.Name == nameof(IGrainContext.Deactivate))
            {
                Ends++;
                return null;
            }

            return targetMethod.Name == "get_" + nameof(IGrainContext.GrainId) ? GrainId.Create("key", "a") : throw new NotSupportedException(targetMethod.Name);
        }
    }
}
